"""The wiring: the roles of a session, live as processes or together on a virtual clock."""
