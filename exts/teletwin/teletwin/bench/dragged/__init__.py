"""A person's drag at the page: irregular inputs on the virtual loop, and scripted pointers in real browsers."""
