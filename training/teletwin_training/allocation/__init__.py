"""MetaLore's cell (arXiv 2510.25705) in kernels: thousands at once, and allocators that learn in them."""
