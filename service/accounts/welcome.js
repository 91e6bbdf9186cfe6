"use strict";
const SENTENCES = {
  ru: {
    first: "Это первая учётная запись на этом сервере: она будет управлять остальными.",
    invited: "Вас пригласили на этот сервер. Придумайте логин и пароль.",
    named: "Вас пригласили на этот сервер под этим логином. Придумайте пароль.",
    given: "Логин выбрал тот, кто вас пригласил.",
    incomplete: "Ссылка неполная: откройте её целиком, вместе с тем, что стоит после знака #. Обновить страницу нельзя, ссылку нужно открыть заново.",
    done: "Готово, учётная запись {login} создана. Теперь войдите с этим логином и паролем: в программе AlfaVoice, на странице сервера или командой alfavoice login.",
    working: "Создаю…",
    no_login: "Напишите логин.",
    short: "Пароль короче 10 знаков.",
    differ: "Пароли не совпадают.",
    unreachable: "Сервер не отвечает. Попробуйте ещё раз.",
    failed: "Не получилось. Попробуйте ещё раз чуть позже.",
    "request.invalid": "Сервер не понял написанного. Проверьте поля.",
    "auth.busy": "Сервер занят. Попробуйте через минуту.",
    "auth.too_many_attempts": "Слишком много попыток. Подождите и попробуйте снова.",
    "account.weak_password": "Этот пароль слишком простой. Возьмите три-четыре не связанных между собой слова.",
    "account.invalid_login": "В логине от 2 букв и цифр, можно . _ @ + -",
    "account.login_taken": "Этот логин занят.",
    perhaps_made: "Похоже, учётная запись уже создана, а ответ сервера потерялся по дороге. Попробуйте войти с логином и паролем, которые вы выбрали. Если не получится, попросите новое приглашение.",
    given_taken: "Этот логин уже занят, а по этой ссылке другой не выбрать. Если учётная запись ваша, войдите; если нет, попросите у того, кто вас пригласил, другую ссылку.",
    "invitation.invalid": "Приглашение использовано, отозвано или истекло. Попросите новое.",
  },
  en: {
    first: "This is the first account of this server: it will manage the others.",
    invited: "You were invited to this server. Choose a login and a password.",
    named: "You were invited to this server under this login. Choose a password.",
    given: "The login was chosen by who invited you.",
    incomplete: "The link is not complete: open all of it, with what stands after the sign #. This page cannot be reloaded: open the link again.",
    done: "Done, the account {login} is made. Now sign in with this login and password: in AlfaVoice, on the server's page, or with the command alfavoice login.",
    working: "Working…",
    no_login: "Write a login.",
    short: "The password is shorter than 10 characters.",
    differ: "The passwords differ.",
    unreachable: "The server does not answer. Try again.",
    failed: "It did not work. Try again a little later.",
    "request.invalid": "The server did not understand what is written. Look at the fields.",
    "auth.busy": "The server is busy. Try again in a minute.",
    "auth.too_many_attempts": "Too many attempts. Wait, then try again.",
    "account.weak_password": "This password is too simple. Take three or four words that do not belong together.",
    "account.invalid_login": "A login has at least 2 letters and digits, and may have . _ @ + -",
    "account.login_taken": "This login is taken.",
    perhaps_made: "It seems that the account is made already, and the server's answer was lost on the way. Try to sign in with the login and password you chose. If that fails, ask for another invitation.",
    given_taken: "This login is taken, and this link allows no other. If the account is yours, sign in; if not, ask who invited you for another link.",
    "invitation.invalid": "The invitation was used, withdrawn or has expired. Ask for another one.",
  },
};
/** Next to which field a refusal is said; any other is said above the button. */
const PLACES = {
  no_login: "login", short: "password", differ: "again",
  "account.weak_password": "password", "account.invalid_login": "login", "account.login_taken": "login",
  given_taken: "login",
};
/** What is told by the status alone: of a proxy before the server, which may have no words of ours. */
const STATUSES = { 429: "auth.too_many_attempts", 502: "unreachable", 503: "unreachable", 504: "unreachable" };
const FIELDS = ["login", "password", "again", "form"];
const ENGLISH = /^en(?![a-z])/i;  // English where the system speaks it, else Russian: the application's rule

const field = (id) => document.getElementById(id);
/** Of the invitation that is looked at: a link opened in the same tab changes nothing but the part after the #. */
let token = "";
/** The invitation of which it is not known whether it was accepted: the answer did not come, or is none. */
let unanswered = "";

const marked = [...document.querySelectorAll("[data-en]")];
for (const element of marked) element.dataset.ru = element.textContent;
let language = ENGLISH.test(navigator.language) ? "en" : "ru";
/** What is said where, by the id of the element: said anew when the language changes. */
const told = new Map();

function say(id, key, places = {}) {
  told.set(id, [key, places]);
  const sentence = key ? SENTENCES[language][key] ?? SENTENCES[language].failed : "";
  field(id).textContent = sentence.replace(/\{(\w+)\}/g, (_, name) => places[name]);
}

function speak(chosen) {
  language = chosen;
  const other = chosen === "ru" ? "en" : "ru";
  document.documentElement.lang = chosen;
  field("language").lang = other;
  field("language").textContent = other === "ru" ? "Русский" : "English";
  for (const element of marked) element.textContent = element.dataset[chosen];
  for (const [id, [key, places]] of told) say(id, key, places);
}

function refuse(key) {
  const place = PLACES[key] ?? "form";
  for (const one of FIELDS) {
    say(`${one}-problem`, one === place ? key : "");
    if (one !== "form") field(one).setAttribute("aria-invalid", String(one === place));
  }
  if (place !== "form") field(place).focus();
}

function end(key, places) {
  field("form").hidden = true;
  say("about", key, places);
  field("title").tabIndex = -1;
  field("title").focus();
}

function show(shown) {
  for (const id of ["password", "again"]) field(id).type = shown ? "text" : "password";
}

async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status === 204) return {};
  const said = await answer.json().catch(() => null);
  if (answer.ok && said) return said;
  // Whether it may have been done all the same; who is too busy, or refuses, has done nothing.
  const isLost = answer.ok || (answer.status >= 500 && said?.code !== "auth.busy");
  return { refused: said?.code ?? STATUSES[answer.status] ?? "failed", is_lost: isLost };
}

function start() {
  token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);  // not in the history of the browser
  told.clear();
  field("form").reset();
  field("form").hidden = field("next").hidden = true;
  field("login").readOnly = false;
  show(false);
  say("about", "");
  refuse("");
  speak(language);
  void open();
}

async function open() {
  if (!token) return end("incomplete");
  const mine = token;
  try {
    const invited = await ask("v1/auth/invitation/open", { token });
    if (mine !== token) return;
    if (["invitation.invalid", "request.invalid"].includes(invited.refused)) return over();
    if (invited.login) {
      field("login").value = invited.login;
      field("login").readOnly = true;
      say("login-hint", "given");
    }
    if (invited.refused) refuse(invited.refused);
    else say("about", invited.is_first ? "first" : invited.login ? "named" : "invited");
  } catch {
    if (mine !== token) return;
    // The form says so when it is sent.
  }
  field("form").hidden = false;
  field(field("login").readOnly ? "name" : "login").focus();
}

function over() {
  end(token === unanswered ? "perhaps_made" : "invitation.invalid");
  field("next").hidden = token !== unanswered;
}

async function accept() {
  const mine = token;
  const body = {
    token,
    login: field("login").value.trim(),
    name: field("name").value,
    password: field("password").value,
    device: { name: "browser", client: "welcome" },
  };
  const made = await ask("v1/auth/invitation", body).catch(() => ({ refused: "unreachable", is_lost: true }));
  if (made.is_lost) unanswered = mine;
  // This page keeps nothing: the sign-in it was given ends here.
  if (made.refresh_token) void ask("v1/auth/logout", { refresh_token: made.refresh_token }).catch(() => {});
  if (mine !== token) return;
  if (made.refused === "invitation.invalid") return over();
  if (made.refused === "account.login_taken" && field("login").readOnly) {
    field("next").hidden = false;
    return refuse("given_taken");
  }
  if (made.refused) return refuse(made.refused);
  end("done", { login: made.user.login });
  field("next").hidden = false;
}

field("language").addEventListener("click", () => speak(language === "ru" ? "en" : "ru"));
field("shown").addEventListener("change", ({ target }) => show(target.checked));
addEventListener("hashchange", () => {
  if (location.hash) start();
});
field("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (field("submit").disabled) return;
  if (!field("login").value.trim()) return refuse("no_login");
  if ([...field("password").value].length < 10) return refuse("short");
  if (field("password").value !== field("again").value) return refuse("differ");
  refuse("");
  say("submit", "working");
  field("submit").disabled = true;
  try {
    await accept();
  } finally {
    told.delete("submit");
    field("submit").textContent = field("submit").dataset[language];
    field("submit").disabled = false;
  }
});

start();
