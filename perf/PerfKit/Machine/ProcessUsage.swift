import Glibc

/// What the kernel says a process has used so far.
public enum ProcessUsage {
  /// Processor time of all threads of these processes in nanoseconds: user, system, and the soft interrupts that ran on
  /// their account, from `/proc/P/task/*/schedstat`; nil when a process is gone.
  public static func processorNanoseconds(_ processes: [Int32]) -> UInt64? {
    var total: UInt64 = 0
    for process in processes {
      guard let threads = entries("/proc/\(process)/task") else { return nil }
      for thread in threads {
        guard let text = contents("/proc/\(process)/task/\(thread)/schedstat"),
          let first = text.split(separator: " ").first, let nanoseconds = UInt64(first)
        else { continue }
        total += nanoseconds
      }
    }
    return total
  }

  /// Resident memory of these processes together in bytes, from `/proc/P/statm`; nil when a process is gone.
  public static func residentBytes(_ processes: [Int32]) -> Int? {
    var total = 0
    for process in processes {
      guard let text = contents("/proc/\(process)/statm") else { return nil }
      let fields = text.split(separator: " ")
      guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
      total += pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
    return total
  }

  private static func contents(_ path: String) -> String? {
    guard let file = unsafe fopen(path, "r") else { return nil }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  private static func entries(_ path: String) -> [String]? {
    guard let directory = unsafe opendir(path) else { return nil }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      if name.first?.isNumber == true { names.append(name) }
    }
    return names
  }
}
