import "@vscode/codicons/dist/codicon.css";
import "../shared/shared.css";
import "../shared/content.css";
import "../shared/calls.css";
import "../shared/attachments.css";
import "./room.css";
import { RoomPage } from "./roomPage";

document.body.append(new RoomPage().element);
