import { Component } from "preact";

export interface TextProps {
  readonly text: string;
}

/** A text of a page. One that only grew is appended to, so that a selection in a text that streams stays. */
export class GrowingText extends Component<TextProps> {
  override shouldComponentUpdate({ text }: TextProps): boolean {
    const { base: node } = this;
    const before = this.props.text;
    if (text === before || !(node instanceof Text)) return false;
    if (text.startsWith(before)) node.appendData(text.slice(before.length));
    else node.data = text;
    return false;
  }

  override render(): string {
    return this.props.text;
  }
}
