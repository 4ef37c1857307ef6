"""When old files give way to new ones: all of a run's outputs together, or none.

One rule: nothing that was there is touched before everything new is written and on the disk.
"""
