"use strict";
const language = navigator.language.startsWith("ru") ? "ru" : "en";
document.documentElement.lang = language;
for (const element of document.querySelectorAll("[data-ru]")) {
  element.textContent = element.dataset[language];
}
const sentences = {
  ru: {
    differ: "Пароли не совпадают.",
    done: "Готово. Теперь войдите с этим логином и паролем в программе AlfaVoice или командой alfavoice login.",
    unreachable: "Сервер не отвечает. Попробуйте ещё раз.",
    "account.weak_password": "Этот пароль слишком простой. Возьмите три-четыре не связанных между собой слова.",
    "account.invalid_login": "Логин: от 2 букв и цифр, можно . _ @ + -",
    "account.login_taken": "Этот логин занят.",
    "invitation.invalid": "Приглашение использовано, отозвано или истекло. Попросите новое.",
  },
  en: {
    differ: "The passwords differ.",
    done: "Done. Now sign in with this login and password in AlfaVoice or with the command alfavoice login.",
    unreachable: "The server does not answer. Try again.",
    "account.weak_password": "This password is too simple. Take three or four words that do not belong together.",
    "account.invalid_login": "A login has at least 2 letters and digits, and may have . _ @ + -",
    "account.login_taken": "This login is taken.",
    "invitation.invalid": "The invitation was used, withdrawn or has expired. Ask for another one.",
  },
}[language];
const field = (id) => document.getElementById(id);
const say = (text) => { field("said").textContent = text; };
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);  // not in the history of the browser

field("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (field("password").value !== field("again").value) {
    say(sentences.differ);
    return;
  }
  const body = {
    token,
    login: field("login").value,
    name: field("name").value,
    password: field("password").value,
    device: { name: "browser", client: "welcome" },
  };
  try {
    const answer = await fetch("v1/auth/invitation", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const told = await answer.json();
    if (!answer.ok) {
      say(sentences[told.code] ?? told.detail);
      return;
    }
    field("form").hidden = true;
    say(sentences.done);
    // This page keeps nothing: the sign-in it was given ends here.
    await fetch("v1/auth/logout", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refresh_token: told.refresh_token }),
    });
  } catch {
    if (!field("form").hidden) say(sentences.unreachable);
  }
});
