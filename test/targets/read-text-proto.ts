/** What the text format holds; every field is a list, as a message without its schema does not tell. */
export interface ReadMessage {
  [field: string]: (string | number | ReadMessage)[];
}

/** Reads protocol buffers' text format as far as Triton's configurations use it; enums come as strings. */
export function readTextProto(text: string): ReadMessage {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}:]|[^\s{}:"]+/g) ?? [];
  let at = 0;
  const message = (end: string | undefined): ReadMessage => {
    const fields: ReadMessage = {};
    while (tokens[at] !== end) {
      const name = tokens[at++]!;
      fields[name] ??= [];
      const separator = tokens[at++];
      if (separator === '{') fields[name].push(message('}'));
      else if (separator === ':') fields[name].push(scalar(tokens[at++]!));
      else throw new Error(`"${name}" is followed by ${separator}`);
    }
    at++;
    return fields;
  };
  return message(undefined);
}

function scalar(token: string): string | number {
  if (token.startsWith('"')) {
    const bytes = token
      .slice(1, -1)
      .replace(/\\(\d{3}|.)/g, (_, code: string) =>
        code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : code,
      );
    return Buffer.from(bytes, 'latin1').toString('utf8');
  }
  return /^-?\d+$/.test(token) ? Number(token) : token;
}

/** Makes single values of the fields that a JSON schema says are no lists. */
export function bySchema(
  value: ReadMessage,
  schema: SchemaNode,
  definitions: Record<string, SchemaNode>,
): Record<string, unknown> {
  const { properties = {} } = resolve(schema, definitions);
  return Object.fromEntries(
    Object.entries(value).map(([field, list]) => {
      const own = properties[field] ?? {};
      const items = list.map((item) =>
        typeof item === 'object' ? bySchema(item, own.items ?? own, definitions) : item,
      );
      return [field, own.type === 'array' || items.length !== 1 ? items : items[0]];
    }),
  );
}

export interface SchemaNode {
  $ref?: string;
  type?: string;
  items?: SchemaNode;
  properties?: Record<string, SchemaNode>;
}

function resolve(schema: SchemaNode, definitions: Record<string, SchemaNode>): SchemaNode {
  return schema.$ref ? definitions[schema.$ref.replace('#/definitions/', '')]! : schema;
}
