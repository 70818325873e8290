import CLinux
import Glibc
import Identity
import Synchronization

/// A program that prints a secret: a vault's command, a cloud's token helper.
public struct SecretProgram: Hashable, Sendable {
  /// The program and its arguments; the program with an absolute path, or a name to be looked for in PATH.
  public var command: [String]
  /// How long it may run.
  public var timeoutMilliseconds = 10_000
  /// How long a secret is used before the program is asked again.
  public var refreshMilliseconds = 300_000
  /// How long a secret is used while the program fails.
  public var maxAgeMilliseconds = 3_600_000

  public init(command: [String]) {
    self.command = command
  }

  /// Why there is no secret, in words without anything the program printed.
  public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String
  }

  /// Runs the program, which may take up to its time-out, and returns what it printed, less one line break at the end.
  public func run() throws(Failure) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: SecretResolver.bytesMax)
    var status: Int32 = 0
    let arguments = unsafe command.map { unsafe strdup($0) } + [nil]
    let capacity = output.count
    let count = unsafe output.withUnsafeMutableBytes { bytes in
      unsafe linux_run_program(
        arguments, bytes.baseAddress, capacity, Int32(timeoutMilliseconds), &status)
    }
    for index in unsafe arguments.indices { unsafe free(arguments[index]) }
    let name = command[0]
    switch count {
    case -Int(ETIMEDOUT):
      throw Failure(
        description: "\(name) did not end within \(TimeLength.text(timeoutMilliseconds))")
    case -Int(EMSGSIZE):
      throw Failure(description: "\(name) printed more than \(ByteSize.text(capacity))")
    case ..<0:
      let reason = unsafe strerror(Int32(-count)).map { unsafe String(cString: $0) } ?? "\(-count)"
      throw Failure(description: "\(name) cannot be run: \(reason)")
    default: break
    }
    guard status == 0 else {
      throw Failure(
        description: "\(name) ended with status \(status); run it by hand to see why")
    }
    output.removeSubrange(count...)
    if output.last == 0x0A { output.removeLast() }
    if output.last == 0x0D { output.removeLast() }
    guard !output.isEmpty else { throw Failure(description: "\(name) printed nothing") }
    return output
  }
}

/// What programs printed, kept from one load of the configuration to the next and refreshed in between: a reload does not
/// run a program whose secret is fresh, and does not fail because one fails whose last secret is young enough.
public final class ProgramSecrets: Sendable {
  /// Least time between two attempts while a program fails.
  public static let retryMilliseconds = 5_000

  private struct Known {
    var secret: Secret
    var fetched: ContinuousClock.Instant
    var nextTry: ContinuousClock.Instant
  }

  private let known = Mutex<[SecretProgram: Known]>([:])

  public init() {}

  /// The secret, from memory while it is fresh, else from the program. When that fails, the last one until its age limit.
  public func fetch(
    _ program: SecretProgram, now: ContinuousClock.Instant = .now
  ) throws(SecretProgram.Failure) -> [UInt8] {
    if let secret = usable(program, now: now), !isDue(program, now: now) { return secret }
    do {
      _ = try refresh(program, now: now)
    } catch {
      guard let secret = usable(program, now: now) else { throw error }
      return secret
    }
    return usable(program, now: now) ?? []
  }

  /// Whether the program should be asked again.
  public func isDue(_ program: SecretProgram, now: ContinuousClock.Instant = .now) -> Bool {
    known.withLock { $0[program].map { now >= $0.nextTry } ?? true }
  }

  /// The last secret; nil when there is none, or it is beyond its age limit.
  public func usable(
    _ program: SecretProgram, now: ContinuousClock.Instant = .now
  ) -> [UInt8]? {
    known.withLock { known in
      guard let entry = known[program],
        now < entry.fetched + .milliseconds(program.maxAgeMilliseconds)
      else { return nil }
      return Self.bytes(entry.secret)
    }
  }

  /// Asks the program now. - Returns: whether the secret is another than before.
  public func refresh(
    _ program: SecretProgram, now: ContinuousClock.Instant = .now
  ) throws(SecretProgram.Failure) -> Bool {
    let bytes: [UInt8]
    do {
      bytes = try program.run()
    } catch {
      let retry = min(Self.retryMilliseconds, program.refreshMilliseconds)
      known.withLock { $0[program]?.nextTry = now + .milliseconds(retry) }
      throw error
    }
    return known.withLock { known in
      let before = known[program].map { Self.bytes($0.secret) }
      known[program] = Known(
        secret: Secret(bytes), fetched: now,
        nextTry: now + .milliseconds(program.refreshMilliseconds))
      return before != bytes
    }
  }

  /// Forgets the secrets of programs that are no longer referred to.
  public func keep(_ programs: Set<SecretProgram>) {
    known.withLock { $0 = $0.filter { programs.contains($0.key) } }
  }

  private static func bytes(_ secret: Secret) -> [UInt8] {
    secret.reveal { span in
      (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    }
  }
}
