// Runs in the audio thread: hands on what the microphone gives, 128 samples at a time, joined to 20 ms.
class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = Math.max(128, Math.round(sampleRate / 50));
    this.waiting = new Float32Array(this.size);
    this.filled = 0;
  }

  process(inputs) {
    const sound = inputs[0]?.[0];
    if (!sound) return true;
    for (let at = 0; at < sound.length; ) {
      const taken = Math.min(sound.length - at, this.size - this.filled);
      this.waiting.set(sound.subarray(at, at + taken), this.filled);
      this.filled += taken;
      at += taken;
      if (this.filled === this.size) {
        this.port.postMessage(this.waiting, [this.waiting.buffer]);
        this.waiting = new Float32Array(this.size);
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor('alfavoice-capture', Capture);
