/** Kinds of tokens in `tokenizer.ggml.token_type`; the others are ordinary ones. */
export const TokenType = { Unknown: 2, Control: 3, UserDefined: 4, Byte: 6 } as const;
