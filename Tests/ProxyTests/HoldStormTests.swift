import EventLoop
import Foundation
import Policy
import Testing

@testable import Proxy

/// Held calls on a stormy network, with reviewers who approve, deny and forget, agents who repeat, cancel and go away, and a
/// policy that changes now and then. Whatever happens, by seed: no call reaches its server without a grant that was used up
/// for it, none twice on one grant, and nothing is left behind.
struct HoldStormTests {
  /// A control plane as simple as can be: one request per digest, decided at random, used up once.
  private final class Desk {
    enum State { case pending, approved, denied }

    struct Entry {
      var state = State.pending
      var waiting: [HeldCall] = []
    }

    let holding: HoldingGateway
    var random: SplitMix64
    private var entries: [String: Entry] = [:]
    /// Grants used up, by the arguments they were for.
    private(set) var granted: [String: Int] = [:]

    init(_ holding: HoldingGateway, seed: UInt64) {
      self.holding = holding
      random = SplitMix64(seed: seed)
    }

    func step() {
      for message in holding.takeMessages() {
        switch message {
        case .held(let call): ask(call)
        case .left(let ticket): forget { $0.ticket == ticket }
        case .cancelled(let request):
          for call in waiting(where: { $0.request == request }) {
            holding.calls.answer(call.ticket, .over(.cancelled, approval: "apr_x"))
          }
          forget { $0.request == request }
        }
      }
      for digest in entries.keys.sorted() where Int.random(in: 0..<60, using: &random) == 0 {
        decide(digest)
      }
    }

    private func ask(_ call: HeldCall) {
      let digest = call.digest.hexadecimal
      entries[digest, default: Entry()].waiting.append(call)
      holding.calls.answer(call.ticket, .waiting(approval: "apr_\(digest.prefix(8))"))
      settle(digest)
    }

    private func decide(_ digest: String) {
      guard entries[digest]?.state == .pending else { return }
      switch Int.random(in: 0..<4, using: &random) {
      case 0: entries[digest]?.state = .denied
      case 1:
        for call in entries[digest]?.waiting ?? [] {
          holding.calls.answer(call.ticket, .over(.expired, approval: "apr_x"))
        }
        entries[digest] = nil
      default: entries[digest]?.state = .approved
      }
      settle(digest)
    }

    private func settle(_ digest: String) {
      guard let entry = entries[digest] else { return }
      switch entry.state {
      case .pending: return
      case .denied:
        for call in entry.waiting {
          holding.calls.answer(
            call.ticket, .denied(approval: "apr_x", reviewers: ["r"], reason: ""))
        }
        entries[digest]?.waiting = []
      case .approved:
        guard let first = entry.waiting.first else { return }
        granted[first.arguments, default: 0] += 1
        holding.grant(first)
        for call in entry.waiting.dropFirst() {
          holding.calls.answer(call.ticket, .over(.usedUp, approval: "apr_x"))
        }
        entries[digest] = nil
      }
    }

    private func waiting(where isMeant: (HeldCall) -> Bool) -> [HeldCall] {
      entries.values.flatMap(\.waiting).filter(isMeant)
    }

    private func forget(where isMeant: (HeldCall) -> Bool) {
      for digest in entries.keys { entries[digest]?.waiting.removeAll(where: isMeant) }
    }
  }

  @Test(arguments: Array(1...24) as [UInt64])
  func nothingRunsWithoutAGrantAndNothingTwice(seed: UInt64) throws {
    let holding = try HoldingGateway(seed: seed, weather: .stormy())
    let network = holding.network
    let desk = Desk(holding, seed: seed &* 77)
    var random = SplitMix64(seed: seed &+ 1000)
    var clients: [SimulatedNetwork.Peer] = []
    var number = 0
    // The storm may swallow it: then every call is one without a session.
    let session =
      (0..<20).lazy.compactMap { _ in try? holding.openSession() }.first ?? ""
    for turn in 0..<6000 {
      if turn < 4500, Int.random(in: 0..<40, using: &random) == 0 {
        number += 1
        let client = network.connect(toPort: SimulatedGateway.audience)
        // Few different calls, so that many are the same.
        let arguments = "{\"id\":\(Int.random(in: 0..<6, using: &random))}"
        network.send(
          Bool.random(using: &random)
            ? HoldingGateway.legacy(
              arguments, id: "\(number)", more: Bool.random(using: &random) ? session : "")
            : HoldingGateway.modern(HoldingGateway.modernBody(arguments, id: "\(number)")),
          from: client)
        clients.append(client)
      }
      if !clients.isEmpty, Int.random(in: 0..<120, using: &random) == 0 {
        let victim = clients[Int.random(in: 0..<clients.count, using: &random)]
        Bool.random(using: &random) ? network.reset(victim) : network.end(victim)
      }
      if Int.random(in: 0..<150, using: &random) == 0 {
        let client = network.connect(toPort: SimulatedGateway.audience)
        network.send(
          HoldingGateway.cancellation("\(number)", more: session), from: client)
        clients.append(client)
      }
      if Int.random(in: 0..<900, using: &random) == 0 {
        let isSame = Bool.random(using: &random)
        holding.gateway.control.offer(
          try SimulatedGateway.snapshot(
            isSame ? HoldingGateway.rules : HoldingGateway.rules + [HoldStormTests.another]))
      }
      if Int.random(in: 0..<200, using: &random) == 0 {
        network.advance(nanoseconds: UInt64(Int.random(in: 1...9, using: &random)) * 1_000_000_000)
      }
      desk.step()
      holding.gateway.turn()
    }
    let ran = holding.gateway.requestsAtServers.filter { $0.body.contains("delete_row") }
    var runs: [String: Int] = [:]
    for request in ran {
      let arguments = try #require(request.body.firstMatch(of: /"arguments":({"id":\d})/)).1
      runs[String(arguments), default: 0] += 1
    }
    for (arguments, count) in runs {
      #expect(
        count <= desk.granted[arguments, default: 0],
        "seed \(seed): \(arguments) ran \(count) times on \(desk.granted[arguments, default: 0]) grants"
      )
    }
    #expect(!ran.isEmpty, "seed \(seed): nothing was ever approved, so nothing was tested")

    holding.gateway.expectNothingLeft(of: clients, "seed \(seed)") { desk.step() }
    #expect(holding.calls.waitingCount == 0, "seed \(seed)")
  }

  /// Changes the policy's revision, and nothing of what is held.
  private static let another = RuleDefinition(
    name: "other", match: MatchDefinition(servers: ["vault"]), effect: .mask,
    masks: [MaskDefinition(fields: ["x"], treatment: .redact)])
}
