/** What all screens share: the back end, its newest snapshot, which screen is open, and the messages at the bottom. */
import { getContext, setContext } from 'svelte';

import { asProblem, type Backend, type BackendEvent, type Changed, type Problem, type ProblemAction, type Settings, type SettingsPatch, type Snapshot } from '../backend/backend';
import { isKey, problemText, resolveLanguage, setLanguage, t } from '../messages/messages.svelte';
import { recall, remember } from './memory';
import { OwnZone } from './own_zone';
import { remedyOf } from './remedies';

export const SCREENS = ['dictation', 'history', 'notes', 'snippets', 'dictionary', 'outbox', 'statistics', 'news', 'models', 'settings', 'diagnostics'] as const;
export type Screen = (typeof SCREENS)[number] | 'first_start' | 'sign_in';

export interface Toast {
  id: number;
  text: string;
  kind: 'plain' | 'problem';
  /** Of the problem, by which it is taken back. */
  code?: string;
  action?: { label: string; run: () => void };
}

const TOAST_MS = 6_000;
const UNDO_TOAST_MS = 9_000;

export class App {
  snapshot = $state.raw<Snapshot>()!;
  settings = $state.raw<Settings>()!;
  screen = $state<Screen>('dictation');
  collapsed = $state(recall('sidebar') === 'collapsed');
  toasts = $state<Toast[]>([]);
  level = $state.raw({ rms: 0, peak: 0 });
  /** Section of the settings to open. */
  section = $state(recall('section') ?? 'audio');
  /** A word on its way into the dictionary, as it was heard. */
  heardWord = $state<string | null>(null);
  private readonly changes = new Set<(what: Changed) => void>();
  private readonly events = new Set<(event: BackendEvent) => void>();
  private readonly ownZone: OwnZone;
  private toastId = 0;

  constructor(readonly backend: Backend) {
    this.ownZone = new OwnZone(backend);
  }

  /** Gets ready to be shown; until then there is nothing to show. */
  async open(): Promise<void> {
    this.backend.subscribe((event) => this.hear(event));
    [this.snapshot, this.settings] = await Promise.all([this.backend.snapshot(), this.backend.settings()]);
    this.applyLook();
    void this.ownZone.see(this.snapshot);
    this.go(this.wanted(), false);
    addEventListener('hashchange', () => this.go(this.wanted(), false));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.applyLook());
  }

  go(screen: Screen, push = true): void {
    this.screen = screen;
    if ((SCREENS as readonly string[]).includes(screen)) remember('screen', screen);
    if (push && location.hash !== `#/${screen}`) location.hash = `/${screen}`;
  }

  /** To the screen there was before one of those that stand alone. */
  back(): void {
    this.go(SCREENS.find((screen) => screen === recall('screen')) ?? 'dictation');
  }

  toggleSidebar(): void {
    this.collapsed = !this.collapsed;
    remember('sidebar', this.collapsed ? 'collapsed' : 'open');
  }

  openSettings(section: string): void {
    this.section = section;
    remember('section', section);
    this.go('settings');
  }

  async changeSettings(patch: SettingsPatch): Promise<void> {
    await this.attempt(async () => {
      this.settings = await this.backend.changeSettings(patch);
      this.applyLook();
    });
  }

  /** Does something; what goes wrong is told to the person. Resolves with whether it worked. */
  async attempt(what: () => Promise<unknown>): Promise<boolean> {
    try {
      await what();
      return true;
    } catch (error) {
      this.tellProblem(asProblem(error));
      return false;
    }
  }

  tell(text: string, undo?: () => void): void {
    this.put({ text, kind: 'plain', action: undo && { label: t('app.undo'), run: undo } }, undo ? UNDO_TOAST_MS : TOAST_MS);
  }

  tellProblem(problem: Problem): void {
    this.put({ text: problemText(problem), kind: 'problem', code: problem.code, action: this.remedy(problem) }, UNDO_TOAST_MS);
  }

  async copy(text: string): Promise<void> {
    if (await this.attempt(() => this.backend.copyText(text))) this.tell(t('app.copied'));
  }

  dismiss(id: number): void {
    this.toasts = this.toasts.filter((toast) => toast.id !== id);
  }

  /** Opens the dictionary to put the last word right; null: no text was inserted yet. */
  fixWord(word: string | null): void {
    if (word) this.heardWord = word;
    else this.tell(word === null ? t('dictionary.nothing_inserted') : t('dictionary.no_word'));
    this.go('dictionary');
  }

  /** A button against a problem; nothing where a screen offers it itself or only waiting helps. */
  remedy(problem: Problem): Toast['action'] {
    const action = remedyOf(problem);
    if (!action || action === 'retry') return undefined;
    const key = `action.${action}`;
    const run = this.runs(action);
    return run && isKey(key) ? { label: t(key), run } : undefined;
  }

  /** Calls back when something of the kind has changed; to be used in an effect. */
  onChanged(wanted: Changed, run: () => void): () => void {
    const listener = (what: Changed): void => {
      if (what === wanted) run();
    };
    this.changes.add(listener);
    return () => this.changes.delete(listener);
  }

  onEvent(listener: (event: BackendEvent) => void): () => void {
    this.events.add(listener);
    return () => this.events.delete(listener);
  }

  private runs(action: ProblemAction): (() => void) | undefined {
    switch (action) {
      case 'sign_in':
        return () => this.go('sign_in');
      case 'choose_server':
        return () => this.go('first_start');
      case 'choose_microphone':
      case 'allow_microphone':
        return () => this.openSettings('audio');
      case 'open_server':
        return () => this.openSettings('server');
      case 'open_insertion':
        return () => this.openSettings('insertion');
      case 'copy_last': {
        const text = this.snapshot.last?.text;
        return text ? () => void this.copy(text) : undefined;
      }
      case 'change_hotkey':
        return () => this.openSettings('hotkeys');
      case 'update':
        return () => this.openSettings('updates');
      case 'unlock_outbox':
      case 'open_outbox':
      case 'free_space':
        return () => this.go('outbox');
      case 'open_diagnostics':
        return () => this.go('diagnostics');
      case 'install_model':
        return () => this.go('models');
      default:
        return undefined;
    }
  }

  private wanted(): Screen {
    const asked = location.hash.replace(/^#\//, '') || (recall('screen') ?? '');
    if (asked === 'sign_in' || asked === 'first_start') return asked;
    return SCREENS.find((screen) => screen === asked) ?? 'dictation';
  }

  private hear(event: BackendEvent): void {
    if (event.type === 'snapshot') void this.ownZone.see((this.snapshot = event.snapshot));
    if (event.type === 'level') this.level = event;
    if (event.type === 'changed') this.changes.forEach((listener) => listener(event.what));
    if (event.type === 'changed' && event.what === 'settings') void this.backend.settings().then((settings) => (this.settings = settings)).then(() => this.applyLook());
    if (event.type === 'notice') this.notice(event);
    if (event.type === 'taken_back') this.toasts = this.toasts.filter(({ code }) => code !== event.code);
    if (event.type === 'fix_word') this.fixWord(event.word);
    this.events.forEach((listener) => listener(event));
  }

  private notice(event: Extract<BackendEvent, { type: 'notice' }>): void {
    const key = `notice.${event.code}`;
    if (event.kind === 'problem') this.tellProblem({ code: event.code, message: event.message });
    else if (isKey(key)) this.tell(t(key));
    else if (isKey(`notice.${event.kind}`)) this.tell(t(`notice.${event.kind}` as 'notice.news'));
  }

  private put(toast: Omit<Toast, 'id'>, forMs: number): void {
    const id = (this.toastId += 1);
    this.toasts = [...this.toasts.filter(({ text }) => text !== toast.text).slice(-2), { ...toast, id }];
    setTimeout(() => this.dismiss(id), forMs);
  }

  private applyLook(): void {
    const { theme, language } = this.settings.appearance;
    const dark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
    document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
    setLanguage(resolveLanguage(language));
  }
}

const KEY = Symbol('app');

export function provideApp(app: App): App {
  return setContext(KEY, app);
}

export function useApp(): App {
  return getContext<App>(KEY);
}
