"""Sound to hypotheses: Whisper on raw CTranslate2, in batches that cross users.

`lengths`, `fallback`, `loudness` and `hallucination` are pure and can be imported anywhere;
`whisper` is the only module that loads CTranslate2, and only when an engine is loaded.
"""
