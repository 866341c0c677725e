"""Stop, from the page's server to the arm, under floods of legal messages on every socket of a live session."""
