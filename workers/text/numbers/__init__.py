"""Inverse text normalisation of Russian: numbers said in words are written in digits.

`numbers.rules.write_numbers` is the way in. `numerals` knows the words, `runs` reads rows of them as
numbers, `formats` writes numbers, and each module of rules knows one kind of thing that people say
with numbers. No library fits: NeMo's text normalisation needs a compiler of transducers (pynini),
and text2num knows no Russian.
"""
