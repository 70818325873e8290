import Testing

@testable import Policy

/// URLs that servers send people to: masked by the names of their parameters.
struct MaskAddressTests {
  @Test(arguments: [
    ("https://a/?email=x", "https://a/?email=***"),
    ("https://a/?EMail=x&b=1", "https://a/?EMail=***&b=1"),
    ("https://a/?b=1;email=x;c", "https://a/?b=1;email=***;c"),
    ("https://a/?b=1#email=x", "https://a/?b=1#email=***"),
    ("https://a/?%65mail=x%40y", "https://a/?%65mail=***"),
    (
      "https://a/?user%5Bemail%5D=x&user.email=y&user[email]=z",
      "https://a/?user%5Bemail%5D=***&user.email=***&user[email]=***"
    ),
    ("https://a/?q=%7B%22email%22%3A%22x%22%7D", "https://a/?q=***"),
    ("https://a/?q=(%27email%27,+1)", "https://a/?q=***"),
    ("https://a/?q=%5Cu0022email%5Cu0022", "https://a/?q=***"),
    ("https://a/?email=a=b?c", "https://a/?email=***?c"),
    // Nothing to be masked.
    ("https://a/email=x", "https://a/email=x"), ("https://a/?email", "https://a/?email"),
    ("https://a/?email=&b=email", "https://a/?email=&b=email"),
    ("https://a/?emails=x&nemail=y", "https://a/?emails=x&nemail=y"),
    ("https://a/?q=%", "https://a/?q=%"), ("", ""),
  ])
  func parameters(address: String, masked: String) throws {
    for (before, after) in [
      (
        #"{"id":1,"jsonrpc":"2.0","method":"elicitation/create","params":{"mode":"url","url":""#,
        #""}}"#
      ),
      (
        #"{"id":1,"jsonrpc":"2.0","result":{"inputRequests":{"k":{"method":"elicitation/create","params":{"url":""#,
        #"","message":"m"}}}}}"#
      ),
      (
        #"{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","elicitationId":"e","url":""#,
        #"","message":"m"}]}}}"#
      ),
    ] {
      let message = try mask(before + address + after, [field("email")])
      #expect(message.text == before + masked + after)
    }
  }

  /// What else stands in an error is data as before.
  @Test func restOfAnErrorsData() throws {
    let message = try mask(
      #"{"id":1,"error":{"code":1,"message":"m","data":{"email":"a1","x":[{"email":"b1"}],"t":"{\"email\":\"c1\"}","elicitations":[{"email":"d1","message":"{'email': 'e1'}","more":{"email":"f1"}}]}}}"#,
      [field("email")])
    for value in ["a1", "b1", "c1", "d1", "e1", "f1"] {
      #expect(!message.text.contains(value), "\(message.text)")
    }
    let list = try mask(
      #"{"id":1,"error":{"code":1,"message":"m","data":[{"email":"a1"},"{\"email\":\"c1\"}"]}}"#,
      [field("email")])
    #expect(!list.text.contains("a1") && !list.text.contains("c1"), "\(list.text)")
  }
}
