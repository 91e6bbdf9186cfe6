/** The small window above all others; it shares nothing with the screens but looks. */
import '../look/tokens.css';
import { mount } from 'svelte';

import { desktopBackend } from '../backend/desktop';
import Overlay from './Overlay.svelte';

mount(Overlay, { target: document.getElementById('app')!, props: { backend: desktopBackend() } });
