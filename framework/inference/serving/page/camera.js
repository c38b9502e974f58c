// A picture from the camera: opened when asked for, closed when the dialog is.

const byId = (id) => document.getElementById(id);
const REASONS = {
  NotAllowedError: "The camera was refused. Allow it for this page in the browser's settings, and try again.",
  NotFoundError: "There is no camera here. Choose a file instead.",
  NotReadableError: "The camera is in use by another program. Close that, and try again.",
};

export function setUpCamera(onPicture) {
  const dialog = byId("camera");
  const video = byId("video");
  const problem = byId("camera-problem");
  let asked = false;

  async function open() {
    problem.hidden = true;
    if (asked) return undefined; // the browser is asking for permission
    if (!navigator.mediaDevices?.getUserMedia) {
      return fail("Browsers give the camera to pages on https:// or localhost only. Choose a file instead.");
    }
    asked = true;
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" }, audio: false });
    } catch (error) {
      return fail(REASONS[error.name] ?? `The camera cannot be used: ${error.message}`);
    } finally {
      asked = false;
    }
    dialog.showModal();
    return undefined;
  }

  function fail(reason) {
    problem.textContent = reason;
    problem.hidden = false;
  }

  function take() {
    if (!video.videoWidth) return; // no frame has come yet
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => {
      const time = new Date().toTimeString().slice(0, 8);
      onPicture(new File([blob], `camera ${time}.png`, { type: "image/png" }));
      dialog.close();
    }, "image/png");
  }

  byId("camera-open").addEventListener("click", open);
  byId("camera-take").addEventListener("click", take);
  byId("camera-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  });
}
