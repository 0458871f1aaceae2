// Linked against one room with all its members (see CMakeLists.txt): that it
// links is the test.
int main() {
  return 0;
}
