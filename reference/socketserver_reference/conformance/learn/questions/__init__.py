"""Questions to a chat that take several attempts, or much talk.

    quit_word.py         the word that makes its sender leave
    history.py           what newcomers hear of earlier deliveries
    byte_handling.py     what becomes of commands and of unusual bytes
    limits.py            how long an utterance may be, and how many members there may be

RULE: as in `learn`. An echo is asked some of these, too.
"""
