internal import CLinux
internal import Logging
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// A child of the gateway, in a session and process group of its own: signals for the gateway's terminal do not reach
/// it. Between the two stands a keeper (`StdioKeeper`), which gets signals in its place and sees to whatever it has started;
/// without one, signals go to its group.
final class ChildProcess: ServerProcess {
  private let server: BridgedServer
  private let log: Logger
  private let processGuard: ProcessGuard?
  private let keeper: [String]?
  private let input: AsyncStream<[UInt8]>
  private let inputFeed: AsyncStream<[UInt8]>.Continuation
  private let endings: AsyncStream<Void>
  private let endingFeed: AsyncStream<Void>.Continuation
  private let waitingBytes = Atomic<Int>(0)
  private let task = Mutex<Task<Void, Never>?>(nil)

  init(
    _ server: BridgedServer, log: Logger, processGuard: ProcessGuard?, keeper: [String]? = nil,
    events: @escaping @Sendable (ProcessEvent) async -> Void
  ) {
    self.server = server
    self.log = log
    self.processGuard = processGuard
    self.keeper = keeper
    (input, inputFeed) = AsyncStream.makeStream()
    (endings, endingFeed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    let task = Task { await events(.ended(await self.run(events))) }
    self.task.withLock { $0 = task }
  }

  func send(_ line: [UInt8]) -> Bool {
    let (_, waiting) = waitingBytes.add(line.count, ordering: .relaxed)
    if waiting <= server.limits.inputBytesMax, case .enqueued = inputFeed.yield(line) {
      return true
    }
    waitingBytes.subtract(line.count, ordering: .relaxed)
    return false
  }

  func end() {
    inputFeed.finish()
    endingFeed.yield()
  }

  func waitUntilEnded() async {
    await task.withLock { $0 }?.value
  }

  /// Runs the process to its end and says what that was.
  private func run(_ events: @escaping @Sendable (ProcessEvent) async -> Void) async -> String {
    do {
      if keeper != nil { try ServerProgram.check(server) }
      let result = try await Subprocess.run(
        configuration, input: .inputWriter, output: .sequence, error: .sequence
      ) { execution in
        let process = execution.processIdentifier
        await processGuard?.watch(process.value)
        await withTaskGroup(of: Void.self) { group in
          group.addTask { await self.write(to: execution.standardInputWriter) }
          group.addTask { await self.logErrors(execution.standardError) }
          group.addTask { await self.enforceEnd(of: process) }
          await self.readLines(execution.standardOutput, events)
          // Who has closed its output has nothing more to say.
          self.end()
        }
        // The leader has not been waited for yet, so its number is still its own: nobody else is hit.
        _ = linux_signal_group(process.value, linux_signal_kill)
        await processGuard?.forget(process.value)
      }
      return "\(Self.text(result.terminationStatus))"
    } catch {
      return "it cannot be run: \(error)"
    }
  }

  private static func text(_ status: TerminationStatus) -> String {
    switch status {
    case .exited(let code): "it ended with status \(code)"
    case .signaled(let number): "it was ended by signal \(number)"
    }
  }

  private var configuration: Configuration {
    let program = server.command[0]
    var executable = program.contains("/") ? Executable.path(FilePath(program)) : .name(program)
    var arguments = Arguments(Array(server.command.dropFirst()))
    if let keeper {
      executable = .path(FilePath(keeper[0]))
      arguments = Arguments(
        executablePathOverride: "sluice", remainingValues: keeper.dropFirst() + server.command)
    }
    var options = PlatformOptions()
    options.createSession = true
    let environment = server.environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
    return Configuration(
      executable: executable, arguments: arguments,
      environment: .custom(Dictionary(uniqueKeysWithValues: environment)),
      workingDirectory: server.directory.map { FilePath($0) },
      platformOptions: options)
  }

  // MARK: Its three streams

  private func write(to writer: StandardInputWriter) async {
    for await line in input {
      do {
        _ = try await writer.write(line)
      } catch {
        // It does not read any more: the end of its output tells the rest.
        break
      }
      waitingBytes.subtract(line.count, ordering: .relaxed)
    }
    try? await writer.finish()
  }

  private func readLines(
    _ output: SubprocessOutputSequence, _ events: @Sendable (ProcessEvent) async -> Void
  ) async {
    var splitter = LineSplitter(bytesMax: server.limits.messageBytesMax)
    func tell(_ pieces: [LineSplitter.Piece]) async {
      for piece in pieces {
        switch piece {
        case .line(let bytes): await events(.line(bytes))
        case .tooLong: await events(.lineTooLong)
        }
      }
    }
    do {
      for try await buffer in output {
        await tell(splitter.push(unsafe buffer.withUnsafeBytes { unsafe Array($0) }))
      }
    } catch {
      log.debug("reading from a server's process failed", metadata: ["error": "\(error)"])
    }
    await tell(splitter.finish())
  }

  private func logErrors(_ output: SubprocessOutputSequence) async {
    var errors = ErrorLog(server, log)
    do {
      for try await buffer in output {
        errors.take(unsafe buffer.withUnsafeBytes { unsafe Array($0) })
      }
    } catch {
      log.debug("reading from a server's process failed", metadata: ["error": "\(error)"])
    }
    errors.finish()
  }

  // MARK: Its end

  /// Some servers ignore SIGTERM as long as their input is open, others the end of their input: so first the one, then the
  /// other, then SIGKILL, which nobody ignores.
  private func enforceEnd(of process: ProcessIdentifier) async {
    for await _ in endings { break }
    if await hasEnded(process, within: server.limits.closeTime) { return }
    if keeper == nil {
      _ = linux_signal_group(process.value, linux_signal_terminate)
    } else {
      _ = linux_signal_process(process.value, linux_signal_terminate)
    }
    if await hasEnded(process, within: server.limits.terminateTime) { return }
    log.warning(
      "a server's process does not end when asked to and is killed",
      metadata: ["server": "\(server.name)", "process": "\(process.value)"])
    if keeper != nil {
      _ = linux_signal_process(process.value, linux_signal_kill_all)
      if await hasEnded(process, within: server.limits.terminateTime) { return }
    }
    _ = linux_signal_group(process.value, linux_signal_kill)
  }

  private func hasEnded(_ process: ProcessIdentifier, within time: Duration) async -> Bool {
    let deadline = ContinuousClock.now + time
    while true {
      if linux_process_ended(process.processDescriptor) != 0 { return true }
      if ContinuousClock.now >= deadline { return false }
      try? await Task.sleep(for: .milliseconds(20))
    }
  }
}
