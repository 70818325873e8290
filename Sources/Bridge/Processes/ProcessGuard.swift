internal import CLinux
internal import Logging
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// A small process that outlives the gateway: when the gateway is gone without having said goodbye (`kill -9`, the
/// kernel's out-of-memory killer), it ends the servers' process groups. The end of their input alone does not: servers
/// ignore it, and what they have started may not even see it.
///
/// It is this program itself with other arguments. It reads lines `+GROUP` and `-GROUP` from its standard input; when that
/// ends, it has the groups' leaders, which are keepers, end what they keep and then kill it, and kills the groups that are
/// left even then.
actor ProcessGuard {
  private let command: [String]
  private let log: Logger
  private var groups: Set<Int32> = []
  private var feed: AsyncStream<String>.Continuation?
  private var task: Task<Void, Never>?
  private var isOver = false

  /// - Parameter command: how the guard is started; it must call `runGuard`.
  init(command: [String], log: Logger) {
    self.command = command
    self.log = log
  }

  func watch(_ group: Int32) {
    groups.insert(group)
    guard !isOver else { return }
    if feed == nil { start() } else { feed?.yield("+\(group)\n") }
  }

  func forget(_ group: Int32) {
    groups.remove(group)
    feed?.yield("-\(group)\n")
  }

  /// Lets the guard go; call when nothing is watched any more.
  func stop() async {
    isOver = true
    feed?.finish()
    await task?.value
  }

  private func start() {
    let (lines, feed) = AsyncStream<String>.makeStream()
    self.feed = feed
    for group in groups { feed.yield("+\(group)\n") }
    task = Task { [command, log] in
      var options = PlatformOptions()
      options.createSession = true
      do {
        _ = try await Subprocess.run(
          Configuration(
            executable: .path(FilePath(command[0])),
            arguments: Arguments(
              executablePathOverride: "sluice", remainingValues: Array(command.dropFirst())),
            environment: .custom([:]), platformOptions: options),
          input: .inputWriter, output: .discarded, error: .discarded
        ) { execution in
          for await line in lines { _ = try await execution.standardInputWriter.write(line) }
          try await execution.standardInputWriter.finish()
        }
      } catch {
        log.error("the guard of servers' processes failed", metadata: ["error": "\(error)"])
      }
      self.ended()
    }
  }

  /// It should not have: the next process that is started gets another guard, which is told of all.
  private func ended() {
    feed?.finish()
    feed = nil
    if !isOver { log.error("the guard of servers' processes ended") }
  }
}

/// The guard's own side.
public enum StdioGuard {
  /// Reads from `descriptor` until it ends, then ends the groups that were not taken back. Blocks; call from `main`.
  public static func run(reading descriptor: Int32) {
    // Whatever stops the gateway may hit the guard as well. Its own end is the end of its input.
    linux_ignore_stop_signals()
    var splitter = LineSplitter(bytesMax: 32)
    var groups: Set<Int32> = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe linux_read(descriptor, bytes.baseAddress, bytes.count)
      }
      guard count > 0 else { break }
      for case .line(let line) in splitter.push(buffer.prefix(Int(count))) {
        update(&groups, String(decoding: line, as: UTF8.self))
      }
    }
    end(groups)
  }

  static func update(_ groups: inout Set<Int32>, _ line: String) {
    // 0 and 1 would mean the guard's own group and everybody.
    guard let group = Int32(line.dropFirst()), group > 1 else { return }
    switch line.first {
    case "+": groups.insert(group)
    case "-": groups.remove(group)
    default: break
    }
  }

  private static func end(_ groups: Set<Int32>) {
    guard !groups.isEmpty else { return }
    for number in [linux_signal_terminate, linux_signal_kill_all] {
      for group in groups { _ = linux_signal_process(group, number) }
      for _ in 0..<40 where groups.contains(where: { linux_signal_group($0, 0) == 0 }) {
        linux_sleep_milliseconds(50)
      }
    }
    for group in groups { _ = linux_signal_group(group, linux_signal_kill) }
  }
}
