"""Results as blocks of words; what a screen looks like is not known here."""
