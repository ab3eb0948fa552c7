// The program that the containers of the benchmark run.
int main() { return 0; }
