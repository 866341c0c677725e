// Marks what the lamp cannot pass.
out float covered;
void main() { covered = 1.0; }
