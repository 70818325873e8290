internal import PlainJSON

extension ShopTools {
  /// The value of `tools` in the answer to `tools/list`.
  static let list: JSONValue = [
    tool(
      "list_tables", "Lists the tables of the shop's database.", arguments: [],
      output: ["tables": ["type": "array", "items": ["type": "string"]]], isReadOnly: true),
    tool(
      "describe_table", "Lists the columns of one table.",
      arguments: [("table", "string", "Name of the table, as list_tables gives it.")],
      output: [
        "table": ["type": "string"],
        "columns": ["type": "array", "items": ["type": "object"]],
      ], isReadOnly: true),
    tool(
      "query", "Runs SQL (SQLite) on the shop's database and returns the rows.",
      arguments: [("sql", "string", "One or more SQL statements.")],
      output: [
        "columns": ["type": "array", "items": ["type": "string"]],
        "rows": ["type": "array", "items": ["type": "object"]],
        "row_count": ["type": "integer"],
        "changed_rows": ["type": "integer"],
      ], isReadOnly: false),
    tool(
      "customer_card", "Shows one customer with address, card and latest orders.",
      arguments: [("customer_id", "integer", "Number of the customer, 1 to 40.")],
      output: [
        "customer": ["type": "object"],
        "recent_orders": ["type": "array", "items": ["type": "object"]],
      ], isReadOnly: true),
  ]

  private static func tool(
    _ name: String, _ description: String,
    arguments: [(name: String, type: String, description: String)], output: JSONValue,
    isReadOnly: Bool
  ) -> JSONValue {
    let properties = arguments.map { argument in
      JSONValue.Member(
        name: argument.name,
        value: [
          "type": .string(argument.type), "description": .string(argument.description),
        ])
    }
    return [
      "name": .string(name),
      "description": .string(description),
      "inputSchema": [
        "type": "object",
        "properties": .object(properties),
        "required": .array(arguments.map { .string($0.name) }),
        "additionalProperties": false,
      ],
      "outputSchema": [
        "type": "object",
        "properties": output,
        "required": .array((output.members ?? []).map { .string($0.name) }),
      ],
      "annotations": [
        "readOnlyHint": .bool(isReadOnly), "destructiveHint": .bool(!isReadOnly),
        "openWorldHint": false,
      ],
    ]
  }
}
