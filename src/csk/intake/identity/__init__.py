"""Who ordered, where a shop has no customer id: keys found, normalised, hashed and joined.

One rule: what identifies a person is hashed in the batch in which it is read, and written nowhere.
"""
