import Bridge
import Status

extension GatewayStatus {
  /// Fills in what the bridge holds.
  /// - Parameter planned: the servers that it stands before.
  mutating func add(_ bridge: BridgeStatus, _ planned: [BridgedServer]) {
    let isProgram = Dictionary(
      planned.map { ($0.name, $0.remote == nil) }, uniquingKeysWith: { $1 })
    for index in servers.indices {
      let name = servers[index].name
      servers[index].eventStreams = bridge.door.streams[name]
      guard let isProgram = isProgram[name] else { continue }
      let held = bridge.servers[name] ?? BridgeStatus.Server()
      servers[index].sessions = held.sessions
      if isProgram { servers[index].processes = held.processes }
    }
    guard !bridge.door.streams.isEmpty else { return }
    var streams = EventStreams()
    streams.open = bridge.door.streams.values.reduce(0, +)
    streams.openMax = bridge.door.streamsMax
    streams.messages = bridge.door.messages
    streams.opened = UInt64(bridge.door.opened)
    streams.refused = UInt64(bridge.door.refused)
    streams.cut = UInt64(bridge.door.cut)
    streams.messagesRefused = UInt64(bridge.door.messagesRefused)
    eventStreams = streams
  }
}
