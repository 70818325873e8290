import Foundation
import Testing

/// What must not compile: sending a call that nobody judged, or two calls on one judgement.
///
/// Each snippet is type-checked and run through the ownership checks by the compiler, against the module as it was built
/// for this test run. One that is right goes first, so that a snippet is known to fail for its own reason and not for a
/// broken set-up.
struct PermitMisuseTests {
  private static let prologue = """
    import Policy
    func send(_ permit: consuming Permit) -> PermittedCall { permit.redeem() }

    """

  @Test func aPermitFromAVerdictCanBeSpentOnce() throws {
    let output = try compile(
      """
      func forward(_ verdict: consuming Verdict) -> PermittedCall? {
        switch consume verdict {
        case .allow(let permit): return send(permit)
        case .block: return nil
        case .hold: return nil
        }
      }
      func resume(_ program: PolicyProgram, _ hold: consuming Hold, _ digest: CallDigest, _ grant: consuming ConsumedGrant)
        -> PermittedCall?
      {
        guard let permit = program.permit(for: hold, digest: digest, grant: grant) else { return nil }
        return send(permit)
      }
      """)
    #expect(output == "")
  }

  @Test(arguments: [
    (
      "spending a permit twice",
      "func twice(_ permit: consuming Permit) { _ = send(permit); _ = send(permit) }",
      "consumed more than once"
    ),
    (
      "redeeming a permit twice",
      "func twice(_ permit: consuming Permit) { _ = permit.redeem(); _ = permit.redeem() }",
      "consumed more than once"
    ),
    (
      "spending a permit that is only lent",
      "func lent(_ permit: borrowing Permit) { _ = send(permit) }",
      "cannot be consumed"
    ),
    (
      "keeping a copy",
      "func copy(_ permit: consuming Permit) -> (Permit, Permit) { let a = permit; let b = permit; return (a, b) }",
      "error:"
    ),
    (
      "making a permit",
      "func forge(_ call: PermittedCall) -> Permit { Permit(call: call) }",
      "inaccessible due to 'internal' protection level"
    ),
    (
      "making up what a permit allowed",
      """
      func forge(_ call: PermittedCall) -> PermittedCall {
        PermittedCall(server: call.server, principal: call.principal, method: call.method, rule: call.rule,
          profile: call.profile, masks: call.masks)
      }
      """,
      "inaccessible due to 'internal' protection level"
    ),
    (
      "changing what a permit allowed",
      "func forge(_ call: inout PermittedCall) { call.server = ServerID(index: 7) }",
      "'server' is a 'let' constant"
    ),
    (
      "leaving masks out of what a permit allowed",
      "func forge(_ call: inout PermittedCall) { call.masks = MaskRuleSet() }",
      "'masks' is a 'let' constant"
    ),
    (
      "sending a held call",
      "func early(_ hold: consuming Hold) -> PermittedCall { send(hold) }",
      "cannot convert value of type 'Hold'"
    ),
    (
      "spending a hold twice",
      """
      func twice(_ program: PolicyProgram, _ hold: consuming Hold, _ digest: CallDigest, _ one: consuming ConsumedGrant,
        _ other: consuming ConsumedGrant)
      {
        _ = program.permit(for: hold, digest: digest, grant: one)
        _ = program.permit(for: hold, digest: digest, grant: other)
      }
      """,
      "consumed more than once"
    ),
    (
      "spending a grant twice",
      """
      func twice(_ program: PolicyProgram, _ one: consuming Hold, _ other: consuming Hold, _ digest: CallDigest,
        _ grant: consuming ConsumedGrant)
      {
        _ = program.permit(for: one, digest: digest, grant: grant)
        _ = program.permit(for: other, digest: digest, grant: grant)
      }
      """,
      "consumed more than once"
    ),
    (
      "making a grant",
      "func forge(_ digest: CallDigest) -> ConsumedGrant { ConsumedGrant(digest: digest) }",
      "inaccessible due to 'package' protection level"
    ),
    (
      "making a hold",
      """
      func forge(_ call: PermittedCall, _ rule: RuleID) -> Hold {
        Hold(call: call, rule: rule, isUndecided: false)
      }
      """,
      "inaccessible due to 'internal' protection level"
    ),
    (
      "making a principal",
      "func forge(_ one: Principal) -> Principal { Principal(index: 0, kind: .user, nameNumber: 0) }",
      "error:"
    ),
  ])
  func doesNotCompile(what: String, snippet: String, complaint: String) throws {
    let output = try compile(snippet)
    #expect(output.contains(complaint), "\(what): \(output)")
  }

  // MARK: The compiler

  /// Everything the compiler has to say about a snippet: nothing, when it is right.
  private func compile(_ snippet: String) throws -> String {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("permit-misuse-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appendingPathComponent("snippet.swift")
    try Data((Self.prologue + snippet + "\n").utf8).write(to: source)

    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    // Ownership is checked after type checking, so the snippet is compiled as far as its intermediate language.
    process.arguments =
      ["swiftc", "-swift-version", "6", "-emit-sil", "-o", "/dev/null", "-parse-as-library"]
      + (try moduleFlags()) + [source.path]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let text = String(decoding: output, as: UTF8.self)
    #expect((process.terminationStatus == 0) == (text == ""), "\(text)")
    return text
  }

  /// Where the built modules and the C modules below them are.
  private func moduleFlags() throws -> [String] {
    let sources = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources")
    let modules = try #require(Self.modulesFolder(), "the built modules are not beside this test")
    return [
      "-I", modules.path,
      "-Xcc", "-fmodule-map-file=\(sources.path)/CHyperscan/module.modulemap",
      "-Xcc", "-I\(sources.path)/CScan/include",
      "-Xcc", "-fmodule-map-file=\(modules.path)/../CScan.build/module.modulemap",
    ]
  }

  /// The folder `Modules` of the build that this process was started from: beside the test bundle.
  private static func modulesFolder() -> URL? {
    let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let places = [executable].compactMap { $0 } + CommandLine.arguments
    for place in places {
      let modules = URL(fileURLWithPath: place).deletingLastPathComponent()
        .appendingPathComponent("Modules")
      let policy = modules.appendingPathComponent("Policy.swiftmodule")
      if FileManager.default.fileExists(atPath: policy.path) { return modules }
    }
    return nil
  }
}
