internal import Synchronization

/// How the door for agents of HTTP+SSE is.
public struct DoorStatus: Sendable, Equatable {
  /// Streams open now, by the names of the servers that the door is open for.
  public var streams: [String: Int] = [:]
  /// How many there may be over all servers.
  public var streamsMax = 0
  /// Since the process started, like all that follow but `messages`.
  public var opened = 0
  /// Streams that could not be opened, because there was no room or the gateway was stopping.
  public var refused = 0
  /// Streams that were cut because their agents did not read.
  public var cut = 0
  /// Messages of agents that wait or are under way now.
  public var messages = 0
  /// Messages that found too many of their stream under way.
  public var messagesRefused = 0
}

/// What the door counts, from any thread.
final class DoorTally: Sendable {
  let opened = Atomic(0)
  let refused = Atomic(0)
  let cut = Atomic(0)
  let messages = Atomic(0)
  let messagesRefused = Atomic(0)

  /// What does not stand here is the door's to fill in.
  var status: DoorStatus {
    var status = DoorStatus()
    status.opened = opened.load(ordering: .relaxed)
    status.refused = refused.load(ordering: .relaxed)
    status.cut = cut.load(ordering: .relaxed)
    status.messages = messages.load(ordering: .relaxed)
    status.messagesRefused = messagesRefused.load(ordering: .relaxed)
    return status
  }
}
