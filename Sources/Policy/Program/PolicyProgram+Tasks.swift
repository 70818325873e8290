import Wire

extension PolicyProgram {
  /// Judges a request about a task: the call of a tool that goes on after it was answered (revision 2025-11-25, and the
  /// extension `io.modelcontextprotocol/tasks`). The call itself was judged when it was made; here it is asked whether the
  /// principal may still use the tool, with some arguments at least.
  ///
  /// The arguments are not known any more, so every mask rule applies that could apply to a call of the tool.
  /// - Parameters:
  ///   - tool: the unescaped name of the tool.
  public func decideTask(
    ofTool tool: RawSpan, principal: borrowing Principal, server: ServerID,
    scratch: inout PolicyScratch
  ) -> Verdict {
    precondition(scratch.program === self, "scratch of another program")
    let row = row(server, .tool)
    guard principal.profiles.firstCommon(with: row.profiles) != nil else {
      return .block(Refusal(.noProfile))
    }
    let target: NameView
    switch find(tool, .tool, row, scratch) {
    case .refused(let reason): return .block(Refusal(reason))
    case .found(let found): target = found
    }
    guard let profile = grant(target, tool, principal) else {
      return .block(Refusal(.toolNotAllowed))
    }
    var masks = MaskRuleSet()
    for number in tables.rows[target.row].entries.range {
      let entry = tables.entries[number]
      let rule = tables.rules[Int(entry.rule)]
      guard rule.mask != CompiledRule.noMask, concerns(rule, principal),
        truth(of: entry, rule, target, tool, scratch) != .no
      else { continue }
      masks.insert(Int(rule.mask))
      scratch.hits.add(Int(entry.rule))
    }
    guard mayList(.tool, tool, principal: principal, server: server, scratch: &scratch) else {
      return .block(Refusal(.toolNotAllowed))
    }
    let call = PermittedCall(
      server: server, principal: principal.index, method: .toolsCall, rule: nil,
      profile: ProfileID(index: profile), masks: masks)
    return .allow(Permit(call: call))
  }
}
