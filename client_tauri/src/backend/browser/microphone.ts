/** The browser's microphone as PCM at 16 kHz. */
import type { Microphone, Problem } from '../backend';
import { Resampler } from './pcm';
import workletUrl from './capture_worklet.js?url';

export interface Capturing {
  stop(): Promise<void>;
}

/**
 * Opens a microphone. `heard` gets sound at 16 kHz until `stop`; `lost` is called once if the device goes away.
 */
export async function capture(
  device: string | null,
  heard: (sound: Float32Array) => void,
  lost: (problem: Problem) => void,
): Promise<Capturing> {
  if (!navigator.mediaDevices?.getUserMedia) throw problem('microphone.insecure', 'browsers give the microphone to https pages only');
  const stream = await opened(device);
  const context = new AudioContext();
  try {
    await context.audioWorklet.addModule(workletUrl);
    if (context.state === 'suspended') await context.resume();
  } catch {
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
    throw problem('microphone.failed', 'the microphone did not start', 'retry');
  }
  const resampler = new Resampler(context.sampleRate);
  const node = new AudioWorkletNode(context, 'alfavoice-capture', { numberOfInputs: 1, numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
  node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => heard(resampler.push(data));
  context.createMediaStreamSource(stream).connect(node);
  for (const track of stream.getAudioTracks()) track.onended = () => lost(problem('microphone.lost', 'the microphone went away', 'choose_microphone'));
  return {
    async stop() {
      node.port.onmessage = null;
      stream.getTracks().forEach((track) => track.stop());
      heard(resampler.flush());
      await context.close();
    },
  };
}

async function opened(device: string | null): Promise<MediaStream> {
  const wanted: MediaTrackConstraints = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: device ? { ...wanted, deviceId: { exact: device } } : wanted });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : '';
    if (name === 'NotAllowedError' || name === 'SecurityError') throw problem('microphone.refused', 'the microphone is not allowed', 'allow_microphone');
    if (name === 'NotReadableError') throw problem('microphone.busy', 'another program uses the microphone', 'retry');
    if (device) throw problem('microphone.missing', 'the chosen microphone is not there', 'choose_microphone');
    throw problem('microphone.none', 'there is no microphone', 'choose_microphone');
  }
}

/** The microphones; without names until the person has allowed one. */
export async function microphones(): Promise<Microphone[]> {
  const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return found
    .filter(({ kind, deviceId }) => kind === 'audioinput' && deviceId !== '' && deviceId !== 'default')
    .map(({ deviceId, label }, index) => ({ id: deviceId, name: label || `#${index + 1}`, default: index === 0 }));
}

function problem(code: string, message: string, action?: Problem['action']): Problem {
  return { code, message, action };
}
