import CLinux

/// The program's own code in memory.
enum ProgramMemory {
  /// Forgets the pages of code that only start-up needed: reading arguments, YAML and certificates touches most of a
  /// binary that then runs in a small part of it. They are clean and come back from the page cache when used again.
  static func releaseStartUpPages() {
    linux_release_program_pages(nil)
  }
}
