import "@vscode/codicons/dist/codicon.css";
import "../shared/shared.css";
import "../shared/content.css";
import "../shared/calls.css";
import "../shared/attachments.css";
import "./chat.css";
import "./files.css";
import "./acting.css";
import { ChatPage } from "./chatPage";

document.body.append(new ChatPage().element);
