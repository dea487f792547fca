"""Functions of users' projects: known by their sources, called with rows, their results kept.

Nothing is pickled. What is linked here from kit has no state, and programs and package have it by
one name so.
"""
