"""Commands that people say while they dictate: «новая строка», «запятая», «удали последнее слово».

`commands.obeying.obey` is the way in. `table` lists the commands, `surroundings` decides whether words
are a command or mean what they say, and `draft` is the text that commands act on.
"""
