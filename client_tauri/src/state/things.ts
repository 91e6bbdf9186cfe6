/** What the server keeps for its people, as docs/openapi.json has it; only the fields that screens use. */

export interface EntryModel {
  id: string;
  kind: 'live' | 'recording' | 'import';
  started_at: string;
  audio_seconds: number;
  app: string | null;
  preview: string;
  edited: boolean;
  is_favourite: boolean;
  is_readable: boolean;
  deleted_at: string | null;
  word_count: number;
}

export interface FoundModel extends EntryModel {
  snippet: string;
  highlights: [number, number][];
}

export interface TranscriptModel extends EntryModel {
  text: string;
  original: string;
}

export interface Conflict {
  id: string;
  field: string;
  text: string;
}

export interface Note {
  id: string;
  change: number;
  title: string;
  text: string;
  is_pinned: boolean;
  updated_at: string;
  conflicts: Conflict[];
}

export interface SnippetThing {
  id: string;
  change: number;
  trigger: string;
  text: string;
}

export interface Term {
  id: string;
  change: number;
  term: string;
  sounds_like: string[];
  language: string | null;
  is_case_sensitive: boolean;
}

export interface NewsItem {
  id: string;
  title: string;
  body: string;
  published_at: string;
  is_important: boolean;
  is_read: boolean;
}

export interface Recording {
  id: string;
  state: 'uploading' | 'checking' | 'waiting' | 'working' | 'done' | 'failed';
  reason: string | null;
  recorded_at: string;
  audio_seconds: number | null;
  has_audio: boolean;
  transcript: string | null;
}

export interface Sum {
  words: number;
  minutes: number;
  transcripts: number;
  words_per_minute: number | null;
}

export interface Statistics {
  today: string;
  days: (Sum & { day: string })[];
  total: Sum;
  active_days: number;
  current_streak_days: number;
  longest_streak_days: number;
}

export interface Preferences {
  language?: string;
  style?: string;
  time_zone?: string;
  adds_punctuation?: boolean;
  removes_fillers?: boolean;
  writes_numbers?: boolean;
  obeys_commands?: boolean;
  expands_snippets?: boolean;
  masks_profanity?: boolean;
  shows_partials?: boolean;
  keeps_history_days?: number | null;
  keeps_audio_days?: number;
}
