"""Every interleaving of two or three ledger calls, statement by statement, on connections of their own.

``python -m tests.schedules`` runs and counts them. The files, in the order of reading: ``weaving`` puts stops between
a function's statements, ``sessions`` lets connections go from stop to stop, ``exploring`` tries every order,
``catalogue`` names the calls and the scenes they meet in, ``judging`` says what may come of them.
"""
