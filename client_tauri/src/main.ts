/** The window (or page): makes the back end this build is for and shows the screens. */
import './look/tokens.css';
import './look/elements.css';
import { makeBackend } from 'virtual:backend';
import { mount } from 'svelte';

import Root from './Root.svelte';
import { registerWorker } from './offline';

mount(Root, { target: document.getElementById('app')!, props: { backend: makeBackend() } });
registerWorker();
