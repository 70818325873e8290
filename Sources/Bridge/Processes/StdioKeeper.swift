internal import CLinux

/// A process between the gateway and a server's program: it is there so that nothing which the program starts can get away, be
/// it in a session of its own and without a parent (`setsid`, daemons). The kernel gives it whoever loses its parent
/// (PR_SET_CHILD_SUBREAPER), which needs no privilege and no control group.
///
///     gateway ── keeper ── program ── helper
///                   └───── daemon, which the program started and disowned
///
/// It is this program itself with other arguments. When the program ends, the rest is asked to end and then killed; the keeper
/// ends as the program did, when nothing is left. SIGTERM it passes on to all; SIGUSR1 has it kill them.
public enum StdioKeeper {
  /// From the program's end until what it has left is killed.
  static let graceMilliseconds = 1000
  /// Between two looks at what is left.
  static let lookMilliseconds = 20

  /// Runs a program to the end of all its descendants. Blocks; call from `main`, before there is a second thread.
  /// - Parameter arguments: the program and its arguments, up to a null. They are wiped from the list of processes, where
  ///   the program itself shows them.
  /// - Returns: what to exit with.
  public static func run(
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) -> Int32 {
    guard linux_keep_descendants() == 0 else { return 126 }
    let leader = unsafe linux_start_program(arguments)
    guard leader > 0 else { return 127 }
    var status: Int32?
    var waited = 0
    while true {
      let number = linux_next_signal(Int32(status == nil ? 1000 : lookMilliseconds))
      switch number {
      case 0: waited += lookMilliseconds
      case linux_signal_child: break
      case linux_signal_kill_all: _ = linux_signal_descendants(linux_signal_kill)
      default: _ = linux_signal_descendants(linux_signal_terminate)
      }
      while true {
        var ended: Int32 = 0
        let child = unsafe linux_see_off(&ended)
        // Nobody is left.
        if child < 0 { return linux_end_like(status ?? 0) }
        if child == 0 { break }
        if child == leader {
          status = ended
          waited = 0
          _ = linux_signal_descendants(linux_signal_terminate)
        }
      }
      if status != nil, waited >= graceMilliseconds {
        _ = linux_signal_descendants(linux_signal_kill)
      }
    }
  }
}
