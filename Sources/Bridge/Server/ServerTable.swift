internal import Logging
internal import Synchronization

/// The servers by name, and those that are on their way out.
final class ServerTable: Sendable {
  private struct State {
    var current: [String: ServerBridge] = [:]
    var leaving: [ObjectIdentifier: ServerBridge] = [:]
  }

  private let log: Logger
  private let makeProcess: ProcessMaker
  private let state = Mutex(State())

  init(log: Logger, makeProcess: @escaping ProcessMaker) {
    self.log = log
    self.makeProcess = makeProcess
  }

  subscript(name: String) -> ServerBridge? { state.withLock { $0.current[name] } }

  func add(_ servers: [BridgedServer]) {
    state.withLock { state in
      for server in servers {
        guard let before = state.current[server.name] else {
          state.current[server.name] = ServerBridge(server, log: log, makeProcess: makeProcess)
          continue
        }
        // A newer address or credential is for the sessions that go on as well.
        if before.server == server { before.server.adoptAccess(of: server) }
      }
    }
  }

  func update(_ servers: [BridgedServer]) {
    let leaving = state.withLock { state in
      var next: [String: ServerBridge] = [:]
      for server in servers {
        let before = state.current[server.name]
        if let before, before.server == server {
          before.server.adoptAccess(of: server)
          next[server.name] = before
        } else {
          next[server.name] = ServerBridge(server, log: log, makeProcess: makeProcess)
        }
      }
      let leaving = state.current.values.filter { next[$0.server.name] !== $0 }
      for bridge in leaving { state.leaving[ObjectIdentifier(bridge)] = bridge }
      state.current = next
      return leaving
    }
    for bridge in leaving {
      Task {
        await bridge.retire()
        state.withLock { $0.leaving[ObjectIdentifier(bridge)] = nil }
      }
    }
  }

  var status: [String: BridgeStatus.Server] {
    get async {
      var status: [String: BridgeStatus.Server] = [:]
      for bridge in all {
        status[bridge.server.name, default: .init()].processes += await bridge.children.count
        status[bridge.server.name, default: .init()].sessions += await bridge.sessions.count
      }
      return status
    }
  }

  func stop() async {
    await withTaskGroup(of: Void.self) { group in
      for bridge in all { group.addTask { await bridge.stop() } }
    }
  }

  private var all: [ServerBridge] {
    state.withLock { Array($0.current.values) + Array($0.leaving.values) }
  }
}
