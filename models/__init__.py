"""Recogniser models: which exist, where their files come from, and which one is in use.

Depends on neither `service` nor `workers`. `ModelRegistry` is the way in::

    registry = ModelRegistry(data_dir / "models")
    registry.pull("base")
    registry.use("base")
    registry.active().path  # config.json, model.bin, tokenizer.json, vocabulary.*
"""
