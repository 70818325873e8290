internal import Audit
internal import EventLoop
internal import Policy
internal import Wire

/// Phase hold: a call that a human has to approve first.
extension Worker {
  mutating func hold(
    _ slot: UInt32, _ hold: consuming Hold, _ head: RawSpan, _ body: RawSpan, _ message: MCPMessage
  ) {
    let id = exchanges[slot].id
    let era = exchanges[slot].era
    beginLocalAnswer(slot, status: 200) { out, exchange in
      LocalAnswer.toolError(
        "The call needs an approval, and this gateway cannot ask for one.", id: id, era: era,
        record: exchange.record, into: &out)
    }
    var facts = facts(slot, .block)
    describe(&facts, slot, head, body, message)
    facts.requestID = id.span
    facts.rule = ruleName(hold.rule, exchanges[slot].generation)
    finishLocalAnswer(slot, outcome(slot, .refused, side: .gateway), facts: facts, request: body)
  }
}
