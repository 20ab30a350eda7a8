// Block weights: the list, the sliders and the picture show the same numbers; whichever is changed leads.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const SVG = 'http://www.w3.org/2000/svg';
    const TOP = 84;
    const NAMES = 14;
    const BELOW = 40;
    let network = 'sdxl';
    let values = {};
    let leading = false;

    function names(of) {
        return kohaku.candidates().blocks[of || network] || [];
    }

    // Other tools keep presets as lines of a name and a list; in formulas and programs a list has brackets.
    function bare(text) {
        const list = text.replace(/^\s*[\p{L}_][\p{L}\p{N}_]*\s*[:=]?(?=[\s[({'"]*[-+.\d])/u, '');
        return list.replace(/^[\s[\](){}'"]+|[\s[\](){}'"]+$/g, '');
    }

    function numbers(text) {
        return bare(text).split(/[\s,;]+/).filter(Boolean).map(Number);
    }

    function shown(value) {
        return String(Math.round(value * 10000) / 10000);
    }

    function tell(text) {
        const place = document.querySelector('#kohaku_weights_picture + .kohaku-weights-tell');
        if (place) place.textContent = text;
    }

    function slider(name) {
        return document.querySelector('#kohaku_weight_' + name.toLowerCase() + ' input[type=number]');
    }

    function writeSliders() {
        leading = true;
        for (const name of names()) {
            const field = slider(name);
            if (field && Number(field.value) !== values[name]) kohaku.write(field, values[name]);
        }
        leading = false;
    }

    function writeText() {
        // As exactly as they were given: moving one slider changes no other block.
        kohaku.write(kohaku.field('weights'), names().map((name) => String(values[name] || 0)).join(','));
        follow();
    }

    // How many lists of block weights the formula has: if it is one, the formula follows every change made here.
    function listsInFormula() {
        return (kohaku.read('formula').match(/(?<![\w.$])mbw\([^()]*\)/g) || []).length;
    }

    function tellPlace() {
        const place = document.querySelector('#kohaku_weights_place .kohaku-hint');
        const count = listsInFormula();
        const texts = ['Not in the formula yet.', 'In the formula, which follows every change here.'];
        if (place) place.textContent = texts[count] || 'The formula has several lists: the button changes the first.';
    }

    function follow() {
        if (listsInFormula() === 1) kohaku.formula.soon('weights_put');
        else kohaku.formula.forget('weights_put');
    }

    // Lists of 26 are common; SDXL lacks six of those blocks.
    function orderOf(list) {
        return list.length === names('sd1').length ? names('sd1') : names();
    }

    function unfit(text) {
        const list = numbers(text);
        return !list.every(Number.isFinite) || list.length !== orderOf(list).length;
    }

    function readText(text) {
        if (unfit(text)) return false;
        const list = numbers(text);
        values = {};
        orderOf(list).forEach((name, index) => {
            if (names().includes(name)) values[name] = list[index];
        });
        return true;
    }

    function shape(kind, attributes, parent) {
        const element = document.createElementNS(SVG, kind);
        for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
        parent.append(element);
        return element;
    }

    function label(kind, text, parent, attributes) {
        shape(kind, attributes || {}, parent).textContent = text;
    }

    function drawBlock(svg, name, index, width, scale, share, largest) {
        const group = shape('g', {'class': 'kohaku-block', 'data-kohaku-block': name}, svg);
        const value = values[name] || 0;
        const height = Math.min(1, Math.abs(value) / scale) * TOP;
        const left = index * width;
        const below = TOP + NAMES + 2;
        const percent = share === undefined ? '' : ', ' + (100 * share).toPrecision(2) + ' % of the parameters';
        label('title', name + ': ' + shown(value) + percent, group);
        shape('rect', {x: left, y: 0, width: width, height: TOP + NAMES + BELOW, 'class': 'kohaku-block-area'}, group);
        shape('rect', {x: left + 1.5, y: 0, width: width - 3, height: TOP, rx: 2, 'class': 'kohaku-block-rail'}, group);
        shape('rect', {
            x: left + 1.5, y: TOP - height, width: width - 3, height: height, rx: 2,
            'class': value < 0 ? 'kohaku-block-bar kohaku-minus' : 'kohaku-block-bar'
        }, group);
        const short = name.replace('OUT', 'O').replace('IN', 'I');
        const size = Math.min(11, width * 1.45 / short.length);
        label('text', short, group, {x: left + width / 2, y: TOP + 11, 'font-size': size, 'class': 'kohaku-block-name'});
        if (share !== undefined) {
            const depth = Math.max(0.5, share / largest * (BELOW - 4));
            shape('rect', {x: left + 1.5, y: below, width: width - 3, height: depth, rx: 2, 'class': 'kohaku-block-share'}, group);
        }
    }

    function draw() {
        const place = document.getElementById('kohaku_weights_picture');
        const order = names();
        if (!place || !order.length || !place.clientWidth) return;
        const width = place.clientWidth;
        const shares = kohaku.plan.blocks(network);
        const known = order.every((name) => name in shares);
        const scale = Math.max(1, ...order.map((name) => Math.abs(values[name] || 0)));
        const largest = known ? Math.max(...order.map((name) => shares[name])) || 1 : 1;
        const svg = document.createElementNS(SVG, 'svg');
        svg.setAttribute('viewBox', '0 0 ' + width + ' ' + (TOP + NAMES + (known ? BELOW : 2)));
        svg.setAttribute('role', 'img');
        svg.setAttribute('aria-label', 'Weights over the network');
        order.forEach((name, index) => {
            drawBlock(svg, name, index, width / order.length, scale, known ? shares[name] : undefined, largest);
        });
        place.replaceChildren(svg);
        if (known) {
            const average = order.reduce((sum, name) => sum + shares[name] * (values[name] || 0), 0);
            const touched = order.reduce((sum, name) => sum + (values[name] ? shares[name] : 0), 0);
            tell('Touches ' + (100 * touched).toFixed(1) + ' % of the parameters (grey: where they are); the average weight is ' + (100 * average).toFixed(2) + ' %.');
        } else {
            tell('');
        }
    }

    function onSlider(event) {
        if (leading) return;
        const holder = event.target.closest('#kohaku_weight_sliders [id^=kohaku_weight_]');
        const name = holder ? holder.id.slice('kohaku_weight_'.length).toUpperCase() : '';
        const value = Number(event.target.value);
        if (!names().includes(name) || !Number.isFinite(value)) return;
        values[name] = value;
        writeText();
    }

    function onPicture(event) {
        const block = event.target.closest('[data-kohaku-block]');
        if (!block || !(event.buttons & 1)) return;
        event.preventDefault();
        const svg = block.ownerSVGElement;
        const scale = svg.viewBox.baseVal.height / svg.getBoundingClientRect().height;
        const y = (event.clientY - svg.getBoundingClientRect().top) * scale;
        if (y > TOP + NAMES) return;
        const raw = 1 - Math.min(TOP, Math.max(0, y)) / TOP;
        values[block.dataset.kohakuBlock] = Math.round(raw * 20) / 20;
        writeText();
    }

    kohaku.weights = {
        start: function(tab) {
            tab.addEventListener('input', onSlider);
            tab.addEventListener('pointerdown', onPicture);
            tab.addEventListener('pointermove', onPicture);
            tab.addEventListener('input', function(event) {
                const typed = event.isTrusted && event.target === kohaku.field('weights');
                if (typed && !unfit(event.target.value)) follow();
                if (event.target === kohaku.field('formula')) tellPlace();
            });
            // Also when the page of the weights is opened: before that the picture has no width.
            new ResizeObserver(draw).observe(document.getElementById('kohaku_weights_picture'));
        },
        // Called by gradio whenever the list or the network changes.
        show: function(text, networkLabel) {
            const networks = kohaku.candidates().networks;
            const found = Object.keys(networks).find((name) => networks[name] === networkLabel);
            if (found && found !== network) network = found;
            const element = kohaku.element('weight_sliders');
            if (element) element.dataset.kohakuNetwork = network;
            const given = numbers(text || '');
            if (!readText(text || '') && names().length) {
                const usable = given.every(Number.isFinite);
                tell(usable ? given.length + ' numbers; this network has ' + names().length + ' blocks.' : 'This is not a list of numbers.');
                return [];
            }
            writeSliders();
            draw();
            return [];
        },
        // The formula's own list, however it came there: a slider that is moved must not write another one over it.
        take: function(plan) {
            const list = plan ? plan.dataset.kohakuWeights : '';
            const box = kohaku.field('weights');
            if (!list || listsInFormula() !== 1 || kohaku.formula.isBusy() || document.activeElement === box) return;
            const place = Object.keys(kohaku.candidates().networks).indexOf(plan.dataset.kohakuNetwork);
            const choice = document.querySelectorAll('#kohaku_network input')[place];
            if (choice && plan.dataset.kohakuNetwork !== network) choice.click();
            kohaku.write(box, list);
        },
        refresh: function() {
            if (!names().length) return;
            if (!Object.keys(values).length) readText(kohaku.read('weights'));
            const element = kohaku.element('weight_sliders');
            if (element) element.dataset.kohakuNetwork = network;
            tellPlace();
            draw();
        },
        // A preset is being chosen: the list comes from the server.
        expect: function() {
            if (listsInFormula() === 1) kohaku.formula.expect('weights_put');
            return [];
        },
        chosen: function() {
            setTimeout(follow, 0);
            return [];
        },
        put: function() {
            kohaku.formula.written('weights_put');
            return [];
        }
    };
})();
