"""What ten viewers cost the operator: one in Chromium, nine by the protocol, one of those on a slow link."""
