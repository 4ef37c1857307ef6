"""Who is about to leave: hazards by day ahead, what they come from, and how far to trust them."""
