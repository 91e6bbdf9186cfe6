/** A real service with the scripted recogniser, on loopback, in a folder of its own; ended by its process id. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PATIENCE_MS = 90_000;

const freePort = () =>
  new Promise((resolve) => {
    const asking = createServer().listen(0, '127.0.0.1', () => {
      const { port } = asking.address();
      asking.close(() => resolve(port));
    });
  });

export async function service() {
  const folder = mkdtempSync(join(tmpdir(), 'alfavoice-screens-'));
  const port = await freePort();
  const env = {
    ...process.env, ALFAVOICE_ENGINE: 'scripted', ALFAVOICE_LOGIN: 'required', ALFAVOICE_DATA_DIR: folder, ALFAVOICE_PUNCTUATION: 'off', ALFAVOICE_LANGUAGE: 'en',
    ALFAVOICE_KEEP_AUDIO_DAYS: '1', ALFAVOICE_DISK_RESERVE_MB: '0', ALFAVOICE_LOG_FORMAT: 'json', ALFAVOICE_LOG_LEVEL: 'warning',
    ALFAVOICE_WEB: process.env.ALFAVOICE_WEB ?? join(ROOT, 'client_tauri', 'dist-web'),
  };
  const program = process.env.ALFAVOICE_PROGRAM ?? join(ROOT, '.venv', 'bin', 'alfavoice');
  let running = null;

  async function start() {
    running = spawn(program, ['serve', '--port', String(port)], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    const until = Date.now() + PATIENCE_MS;
    while (Date.now() < until) {
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
      if (answer?.ok) return;
      if (running.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error('the service did not get ready');
  }

  async function stop() {
    if (!running || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    // Twice: the second one ends the drain, which waits for sockets of pages that are still open.
    running.kill('SIGTERM');
    setTimeout(() => running.exitCode === null && running.kill('SIGTERM'), 1500).unref();
    await ended;
  }

  function command(words, said) {
    const done = spawnSync(program, words, { env, input: said, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`alfavoice ${words[0]}: ${done.stderr}`);
    return done.stdout;
  }

  return {
    url: `http://127.0.0.1:${port}`,
    start,
    stop,
    command,
    async end() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A WAV of speech-like babble with a pause at its end, for the browser's fake microphone, which plays it again and again. */
export function babble(path) {
  const python = `
import sys, wave
from tests.voice import quiet, voice
with wave.open(sys.argv[1], "wb") as file:
    file.setnchannels(1); file.setsampwidth(2); file.setframerate(16000)
    file.writeframes(voice(2500, seed=3) + quiet(1200) + voice(2000, seed=5) + quiet(1500))
`;
  const done = spawnSync(process.env.ALFAVOICE_PYTHON ?? join(ROOT, '.venv', 'bin', 'python'), ['-c', python, path], { cwd: ROOT, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
}
