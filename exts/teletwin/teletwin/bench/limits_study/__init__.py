"""Whether the whole arm stays clear of itself and its surroundings, judged apart from the limits themselves."""
