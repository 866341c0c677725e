"""Training of horizon policies and allocators; the runtime never imports it."""
