import { createTextModel } from "../../../src/text/textModel";
import { oddJson } from "../../support/fuzz/hostile";
import { fuzz } from "../../support/fuzz/untrusted";
import { byteLevelTokenizer, sentencePieceTokenizer } from "../../support/text/tinyTokenizers";

const tokenizerConfig = {
  eos_token: "<|im_end|>",
  add_bos_token: false,
  chat_template:
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n",
};

describe("whatever tokenizer.json holds", function () {
  this.timeout(60_000);

  it("a text model is made or refused with a typed error, and one that is made reads text or says why not", () =>
    fuzz(150, (random) => {
      const whole = random.pick([byteLevelTokenizer(), sentencePieceTokenizer()]);
      const isTokenizer = random.below(3) > 0;
      const model = createTextModel({
        config: { eos_token_id: 2 },
        tokenizer: isTokenizer ? oddJson(random, whole) : whole,
        tokenizerConfig: isTokenizer ? tokenizerConfig : oddJson(random, tokenizerConfig),
      });
      return model.prompts.build([{ role: "user", content: "hello <|im_end|> world" }], []);
    }));
});
