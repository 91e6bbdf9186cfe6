/** The server's models, which nobody changes from here. */
import type { Models } from '../backend';

/** Names of OpenAI's that a server answers to besides its own models' names. */
const ALIAS = /^(whisper-1|gpt-.*)$/;

export function modelsOf({ data }: { data: { id: string; size_bytes?: number }[] }): Models {
  return {
    canChange: false,
    freeBytes: null,
    models: data.filter(({ id }) => !ALIAS.test(id)).map(({ id, size_bytes }) => ({ name: id, version: '', sizeBytes: size_bytes ?? 0, installed: true, active: true, verified: 'unknown', update: null, progress: null, problem: null })),
  };
}
