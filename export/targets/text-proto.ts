/** A message of protocol buffers to be written as text; a list is a repeated field. */
export interface TextMessage {
  [field: string]: TextValue | readonly TextValue[];
}

type TextValue = string | number | EnumValue | TextMessage;

/** A value of an enum, which is written without quotes. */
export class EnumValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A message in protocol buffers' text format (https://protobuf.dev/reference/protobuf/textformat-spec/). */
export function formatTextProto(message: TextMessage, indent = ''): string {
  return Object.entries(message)
    .flatMap(([field, value]) => {
      const values: readonly TextValue[] = Array.isArray(value) ? value : [value as TextValue];
      return values.map((each) => `${indent}${field}${formatValue(each, indent)}\n`);
    })
    .join('');
}

function formatValue(value: TextValue, indent: string): string {
  if (typeof value === 'number') return `: ${value}`;
  if (typeof value === 'string') return `: ${quote(value)}`;
  if (value instanceof EnumValue) return `: ${value.name}`;
  return ` {\n${formatTextProto(value, `${indent}  `)}${indent}}`;
}

/** Bytes outside of printable ASCII are written in octal, as UTF-8. */
function quote(text: string): string {
  const escaped = [...Buffer.from(text)].map((byte) => {
    const char = String.fromCharCode(byte);
    if (char === '"' || char === '\\') return `\\${char}`;
    return byte >= 0x20 && byte < 0x7f ? char : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
}
