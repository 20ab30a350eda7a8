// Pictures of presets: the last one of the webui's galleries or a chosen file, made small here before it is sent.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const TABS = ['txt2img', 'img2img'];
    const SENT_SIDE = 512;
    const known = new Map();
    let lastTab = '';
    let watcher = null;

    // The picture that is looked at, else the last one; grids come first in a gallery.
    function inGallery(tab) {
        const gallery = document.getElementById(tab + '_gallery');
        if (!gallery) return null;
        const all = gallery.querySelectorAll('.thumbnail-item img');
        return gallery.querySelector('img[data-testid="detailed-image"]') || all[all.length - 1] || null;
    }

    function lastImage() {
        const order = [lastTab].concat(TABS).filter(Boolean);
        return order.map(inGallery).find((image) => image !== null) || null;
    }

    function shrunk(source, width, height) {
        const factor = Math.min(1, SENT_SIDE / Math.max(width, height));
        const canvas = document.createElement('canvas');
        canvas.width = Math.max(1, Math.round(width * factor));
        canvas.height = Math.max(1, Math.round(height * factor));
        const context = canvas.getContext('2d');
        context.fillStyle = 'white';
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(source, 0, 0, canvas.width, canvas.height);
        return canvas.toDataURL('image/jpeg', 0.92);
    }

    async function fromGallery() {
        const image = lastImage();
        if (!image) throw new Error('No picture was made yet in txt2img or img2img.');
        await image.decode();
        return shrunk(image, image.naturalWidth, image.naturalHeight);
    }

    async function fromFile(file) {
        let bitmap = null;
        try {
            bitmap = await createImageBitmap(file);
        } catch (error) {
            throw new Error('The browser cannot read this picture.');
        }
        return shrunk(bitmap, bitmap.width, bitmap.height);
    }

    function chooseFile(then) {
        const field = prompt.element('preset_picture');
        field.onchange = function() {
            const file = field.files[0];
            field.value = '';
            if (file) fromFile(file).then(then).catch(prompt.failed);
        };
        field.click();
    }

    function load(preset, image) {
        const key = preset.name + '\n' + preset.picture;
        if (known.has(key)) {
            image.src = known.get(key);
            return;
        }
        prompt.ask('preset_picture', {name: preset.name}).then(function(answer) {
            known.set(key, answer.picture);
            image.src = answer.picture;
        }).catch(() => image.remove());
    }

    // Only those that are seen are fetched.
    function watch() {
        watcher = new IntersectionObserver(function(entries) {
            for (const entry of entries.filter((item) => item.isIntersecting)) {
                watcher.unobserve(entry.target);
                entry.target.kohakuLoad();
            }
        });
    }

    prompt.pictures = {
        of: function(preset, press) {
            const image = prompt.make('img', {class: 'kohaku-prompt-picture', alt: '', press: press, draggable: 'false'});
            image.kohakuLoad = () => load(preset, image);
            if (known.has(preset.name + '\n' + preset.picture)) image.kohakuLoad();
            else watcher.observe(image);
            return image;
        },
        tools: function(preset, send, remove) {
            const buttons = [];
            if (document.getElementById('txt2img_gallery')) {
                buttons.push(prompt.button('Use the last image', 'The picture that was made last, made small',
                    () => fromGallery().then(send).catch(prompt.failed)));
            }
            buttons.push(prompt.button('Picture', 'Choose a picture file', () => chooseFile(send)));
            if (preset.picture) buttons.push(prompt.button('No picture', 'Takes its picture away', remove));
            return buttons;
        }
    };

    prompt.pieces.push({
        start: function() {
            watch();
            const observer = new MutationObserver(function(records) {
                const gallery = records[records.length - 1].target.closest('#txt2img_gallery, #img2img_gallery');
                if (gallery) lastTab = gallery.id.replace('_gallery', '');
            });
            for (const tab of TABS) {
                const gallery = document.getElementById(tab + '_gallery');
                if (gallery) observer.observe(gallery, {childList: true, subtree: true, attributes: true, attributeFilter: ['src']});
            }
        }
    });
})();
